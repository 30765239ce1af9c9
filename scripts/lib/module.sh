module_dir() { echo /nonexistent; }
need_module() { :; }
