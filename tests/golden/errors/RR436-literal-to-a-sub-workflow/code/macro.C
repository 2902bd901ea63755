// a macro
