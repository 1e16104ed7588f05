/// Functions of the C library that Swift's module for it lacks.
#ifndef WATCHWORD_CPLATFORM_H
#define WATCHWORD_CPLATFORM_H

/// Limits glibc's allocator to `count` arenas. Call before threads are made; does nothing with another C library.
void ww_limit_arenas(int count);

/// Returns unused pages of the allocator to the system. [any-thread]
void ww_give_back_memory(void);

/// Exchanges the names of two files or directories atomically. Returns 0, or -1 and errno: one is missing, or the file
/// system does not support it.
int ww_exchange(const char *a, const char *b);

/// Creates a file that exists only in memory, closed on exec. Returns its descriptor, or -1 and errno.
int ww_memory_file(const char *name);

/// Overwrites `count` bytes at `from` in the process's argument `index` (0 is the program), which other users can read.
/// Returns 0, or -1 if that argument is no longer `argument`. Call before threads are made.
int ww_hide_argument(int index, const char *argument, unsigned long from, unsigned long count);

/// The file of the library that defines a symbol, as the loader names it; NULL if there is none. Must not be freed.
/// [any-thread]
const char *ww_library_of(const char *symbol);

/// The columns that a Unicode character takes on a terminal, 0 to 2, in any locale. [any-thread]
int ww_columns(unsigned int character);

/// The time at which a file was created, as the file system stores it; no program can set it.
typedef struct ww_birth {
    long long seconds;
    unsigned nanoseconds;
} ww_birth;

/// Reads the creation time of an open file. Returns 0, or -1 if the file system does not store it.
int ww_file_birth(int descriptor, ww_birth *birth);
#endif
