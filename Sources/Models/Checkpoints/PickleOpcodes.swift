/// The names of pickle instructions as Python's `pickletools` prints them, for error messages.
///
/// Source: CPython `Lib/pickletools.py`, protocols 0 to 5.
enum PickleOpcode {
    static func name(_ code: UInt8) -> String {
        if let name = names[code] { return name }
        return "number \(code)"
    }

    private static let names: [UInt8: String] = {
        var names: [UInt8: String] = [:]
        let ascii: KeyValuePairs<Unicode.Scalar, String> = [
            "(": "MARK", ".": "STOP", "0": "POP", "1": "POP_MARK", "2": "DUP", "F": "FLOAT", "I": "INT", "J": "BININT",
            "K": "BININT1", "L": "LONG", "M": "BININT2", "N": "NONE", "P": "PERSID", "Q": "BINPERSID", "R": "REDUCE",
            "S": "STRING", "T": "BINSTRING", "U": "SHORT_BINSTRING", "V": "UNICODE", "X": "BINUNICODE", "a": "APPEND",
            "b": "BUILD", "c": "GLOBAL", "d": "DICT", "}": "EMPTY_DICT", "e": "APPENDS", "g": "GET", "h": "BINGET",
            "i": "INST", "j": "LONG_BINGET", "l": "LIST", "]": "EMPTY_LIST", "o": "OBJ", "p": "PUT", "q": "BINPUT",
            "r": "LONG_BINPUT", "s": "SETITEM", "t": "TUPLE", ")": "EMPTY_TUPLE", "u": "SETITEMS", "G": "BINFLOAT",
            "B": "BINBYTES", "C": "SHORT_BINBYTES",
        ]
        for (scalar, name) in ascii { names[UInt8(ascii: scalar)] = name }
        let binary = [
            "PROTO", "NEWOBJ", "EXT1", "EXT2", "EXT4", "TUPLE1", "TUPLE2", "TUPLE3", "NEWTRUE", "NEWFALSE", "LONG1",
            "LONG4", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES8", "EMPTY_SET", "ADDITEMS", "FROZENSET", "NEWOBJ_EX",
            "STACK_GLOBAL", "MEMOIZE", "FRAME", "BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER",
        ]
        for (code, name) in zip(UInt8(0x80)..., binary) { names[code] = name }
        return names
    }()
}
