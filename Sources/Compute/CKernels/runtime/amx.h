/// Intel AMX (matrix instructions): eight tile registers of 16 rows of 64 bytes.
#ifndef WATCHWORD_AMX_H
#define WATCHWORD_AMX_H

/// Returns 1 if this CPU and this kernel can multiply tiles of bytes and of bfloat16.
int amx_available(void);

/// Configures the calling thread's tile registers, each of the full size; `amx_end` releases them.
void amx_begin(void);
void amx_end(void);
#endif
