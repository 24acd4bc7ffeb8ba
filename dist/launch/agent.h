/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launch agent: what mpirun takes for ssh. It hands host and command line to the supervisor
 * that started mpirun, and lives as long as the MPI daemon that the supervisor gets started there.
 */
#ifndef KM_LAUNCH_AGENT_H
#define KM_LAUNCH_AGENT_H

/** The verb `launch-agent HOST COMMAND...`; the process's exit code. */
int km_agent_main(int argc, char **argv);

#endif
