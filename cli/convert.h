/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `kmeans convert`: IDX, CSV or RecordIO-protobuf into RecordIO-protobuf or CSV. */
#ifndef KM_CLI_CONVERT_H
#define KM_CLI_CONVERT_H

/** Runs the verb and returns the exit code: 0, 2 (usage or input), 3 (system). argv[0] = "convert".
 */
int km_convert_main(int argc, char **argv);

#endif
