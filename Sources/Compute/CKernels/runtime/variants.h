/// Compiles one function for several instruction sets; the loader picks the best for this CPU.
#ifndef WATCHWORD_VARIANTS_H
#define WATCHWORD_VARIANTS_H
// Not with a sanitizer: the functions that choose a variant would run, instrumented, before its runtime is ready.
#if defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
#define VARIANTS __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VARIANTS
#endif
#endif
