#define _GNU_SOURCE
#include "runtime/amx.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TILES __attribute__((target("amx-tile")))

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int available;

static void probe(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512bf16") || !__builtin_cpu_supports("amx-bf16") ||
        !__builtin_cpu_supports("amx-int8") || !__builtin_cpu_supports("avx512bw"))
        return;
    enum { REQUEST = 0x1023, TILE_DATA = 18 };  // arch_prctl(ARCH_REQ_XCOMP_PERM): the kernel's leave to use tiles
    available = syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}

int amx_available(void) {
    pthread_once(&once, probe);
    return available;
}

typedef struct tile_config {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} tile_config;

TILES void amx_begin(void) {
    tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) config.bytes[i] = 64, config.rows[i] = 16;
    _tile_loadconfig(&config);
}

TILES void amx_end(void) { _tile_release(); }

#else

int amx_available(void) { return 0; }
void amx_begin(void) {}
void amx_end(void) {}

#endif
