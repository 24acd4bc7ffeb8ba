/* SPDX-License-Identifier: Apache-2.0 */
#include "base/select.h"

/* Hoare 1961 (Algorithm 65, "Find"). */
float km_select(float *v, size_t n, size_t nth)
{
    size_t low = 0, high = n - 1;

    while (low < high) {
        float pivot = v[low + (high - low) / 2];
        size_t i = low, j = high;

        for (;;) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j)
                break;
            float swap = v[i];

            v[i++] = v[j];
            v[j--] = swap;
        }
        if (nth <= j)
            high = j;
        else
            low = j + 1;
    }
    return v[nth];
}
