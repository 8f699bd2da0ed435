/*
 * output.h - codes are money: the file they go to is made its owner's alone.
 */
#ifndef FCFS_OUTPUT_H
#define FCFS_OUTPUT_H

/* Where standard output is a file of ours, its mode becomes 0600. Before anything is written. */
void output_protect(void);

#endif
