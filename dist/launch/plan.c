/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/plan.h"

#include <stdio.h>
#include <string.h>

void km_plan_blame(const struct km_launch *plan, const char *host, struct km_err *reason)
{
    char text[KM_ERR_MAX];

    for (size_t i = 0; i < plan->n_hosts; i++) {
        size_t n = strlen(plan->hosts[i]);

        if (strncmp(reason->msg, plan->hosts[i], n) == 0 && reason->msg[n] == ':')
            return;
    }
    snprintf(text, sizeof(text), "%s", reason->msg);
    km_fail(reason, reason->code, "%s: %s", host, text);
}
