SEC("tp_btf/sys_enter")
int syscall_entered(u64 *ctx) { return 0; }
SEC("tp_btf/sys_exit")
int syscall_exited(u64 *ctx) { return 0; }
