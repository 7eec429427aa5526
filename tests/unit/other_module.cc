/// A module of another version than the programs that are asked to load it.
extern "C" const char* novaplane_module_version() { return "0.0.1"; }
extern "C" void novaplane_open_store() {}
