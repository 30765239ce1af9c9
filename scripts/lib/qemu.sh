qemu_dir() { echo /nonexistent; }
qemu_tree() { echo /nonexistent; }
need_qemu() { :; }
