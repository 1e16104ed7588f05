/// One function, several instruction sets: the loader picks.
#ifndef WATCHWORD_VARIANTS_H
#define WATCHWORD_VARIANTS_H
#if defined(__x86_64__) && defined(__linux__)
#define VARIANTS __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VARIANTS
#endif
#endif
