#ifndef WATCHWORD_COPENBLAS_SHIM_H
#define WATCHWORD_COPENBLAS_SHIM_H
#include <cblas.h>
#endif
