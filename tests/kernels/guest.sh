#!/bin/sh
# The first program of a guest: this machine's files under a layer in memory, the usual file systems, then /command.
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
while read -r module; do busybox insmod "/modules/$module"; done < /modules/order
options=trans=virtio,version=9p2000.L,msize=512000
busybox mount -t 9p -o $options,cache=loose,ro host /host || busybox poweroff -f
busybox mount -t tmpfs layer /layer
busybox mkdir /layer/upper /layer/work
busybox mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root
for folder in proc sys dev; do busybox mount --move /$folder /root/$folder; done
busybox mount -t tmpfs run /root/run
busybox mkdir -p /root/dev/pts /root/dev/shm /root/mnt
busybox mount -t devpts devpts /root/dev/pts
busybox mount -t tmpfs shm /root/dev/shm
busybox mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
busybox mount -t tracefs tracefs /root/sys/kernel/tracing
busybox mount -t 9p -o $options out /root/mnt || busybox poweroff -f
busybox ifconfig lo 127.0.0.1 up
busybox cp /command /root/run/command
exec busybox switch_root /root /bin/sh /run/command
