/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `kmeans train`. */
#ifndef KM_TRAIN_VERB_H
#define KM_TRAIN_VERB_H

/**
 * Runs a training job and returns the exit code of the process: 0, 1 (algorithm), 2 (customer) or
 * 3 (platform). argv[0] is "train"; the options follow. Called once in a process.
 */
int km_train_main(int argc, char **argv);

#endif
