/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For plain loops over many values: compiled for wider vectors as well, and chosen when the program
 * starts. Without fused operations (CMakeLists.txt) they all give the same bits. For static
 * functions whose names no other file has: clang 14 loses others, and does not tell those of two
 * files apart.
 */
#ifndef KM_BASE_CLONES_H
#define KM_BASE_CLONES_H

#if defined(__x86_64__)
#define KM_FOR_ALL_CPUS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KM_FOR_ALL_CPUS
#endif

#endif
