/** What `pckit qemu -help` says. */
export const qemuHelp = `Usage: pckit qemu [flags of qemu-system-x86_64]

The machine of "pckit boot", said with QEMU's flags, for scripts that have them:

  -kernel FILE -initrd FILE -append TEXT      what to boot; there is no firmware
  -hda FILE ... -hdd FILE, -cdrom FILE        disks on IDE
  -drive file=FILE[,if=ide|virtio|none][,format=raw|qcow2|vmdk|vpc|vhdx][,index=N][,media=cdrom][,readonly=on][,snapshot=on][,id=NAME]
  -blockdev driver=file|raw|qcow2,node-name=NAME,...
  -snapshot                                   what the guest writes is forgotten
  -net user[,hostfwd=tcp::10021-:22] -net nic[,model=e1000|virtio], -netdev user|stream|socket, -nic user|none
                                              without any of them there is an e1000 on a user network
  -device virtio-blk-pci|ide-hd|ide-cd|ahci|e1000|virtio-net-pci|virtio-rng-pci|isa-debug-exit,iobase=0xf4
  -m SIZE, -smp N, -cpu MODEL, -machine pc|q35
  -nographic, -display none, -serial stdio|mon:stdio|file:FILE|tcp:PORT,server|none, -monitor stdio|none
  -s, -S, -gdb tcp::PORT                      gdb
  -no-reboot, -no-shutdown, -rtc base=..., -icount shift=0 (virtual time counts instructions), -seed N
  -loadvm NAME                                go on from what the monitor's savevm wrote
  -pidfile FILE, -name NAME, -q (no messages of ours but errors)

Ctrl-A x quits, Ctrl-A c switches between the serial console and the monitor ("help" there), Ctrl-A h helps.
`;
