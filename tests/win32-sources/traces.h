/* traces.h - what is in the other file. */
#ifdef __cplusplus
extern "C"
#endif
void from_elsewhere(DWORD id);
