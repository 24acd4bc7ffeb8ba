/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unfinished files of this process, so that it can remove them when it crashes. One list for
 * the process, in memory of its own: a broken heap does not change it. Any thread.
 */
#ifndef KM_BASE_TEMPORARY_H
#define KM_BASE_TEMPORARY_H

/** Most files at a time; a file beyond them is not in the list. More than `kmeans convert` has
 * shards. */
#define KM_TEMPORARY_MOST 1024

/** Takes a file into the list, before it is made; its place, or -1: the list is full, or the path
 * is longer than PATH_MAX. */
int km_temporary_add(const char *path);

/** The file at a place has its final name, or is removed; -1 is fine. */
void km_temporary_drop(int place);

/** Removes all files of the list from the disk; async-signal-safe. */
void km_temporary_remove(void);

#endif
