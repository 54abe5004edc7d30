/* The one function that win32more calls while it loads. */
int CoIncrementMTAUsage(void **cookie)
{
    *cookie = 0;
    return 0;
}
