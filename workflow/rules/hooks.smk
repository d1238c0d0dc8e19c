# What happens before the first job and after the last. Snakemake keeps the last of each of these, so they
# all stand here. Those of a module it leaves out.
onstart:
    start_mps()
    keep_former_report()
    declare_study()


onsuccess:
    forget(FORMER)


onerror:
    put_back_report()
