def table(rows, routers, results, repeat):
    return ""
