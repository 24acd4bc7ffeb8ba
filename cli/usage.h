/* SPDX-License-Identifier: Apache-2.0 */
/* How the small verbs end: what they say, and their exit code: 0, 2 (usage or input) or 3
 * (system). */
#ifndef KM_CLI_USAGE_H
#define KM_CLI_USAGE_H

#include "base/options.h"

/** After a command line that is not run: the help text (KM_MORE), or what is wrong with it. */
int km_usage(const struct km_options *o, int rc, const struct km_err *err);

/** After the work of a verb. */
int km_exit_code(const char *verb, int rc, const struct km_err *err);

#endif
