#ifndef WATCHWORD_CWEBP_SHIM_H
#define WATCHWORD_CWEBP_SHIM_H
#include <webp/decode.h>
#endif
