#ifndef WATCHWORD_CKERNELS_H
#define WATCHWORD_CKERNELS_H
#include "head_kernels.h"
#include "resample.h"
#include "signature.h"
#include "transformer_kernels.h"
#endif
