/* SPDX-License-Identifier: Apache-2.0 */
/* base/nearest.h for the options of a command line. */
#ifndef KM_CLI_NEAREST_H
#define KM_CLI_NEAREST_H

#include "base/nearest.h"
#include <getopt.h>

/** The long option nearest to a misspelt one (without dashes); NULL if none is near. */
const char *km_nearest_option(const char *word, const struct option *options);

#endif
