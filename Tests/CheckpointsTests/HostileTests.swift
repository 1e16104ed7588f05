import Checkpoints
import Foundation
import TestSupport
import Testing

/// A file that must be refused, with words of the error's sentence.
struct Hostile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: Data
    let words: [String]

    init(_ what: String, _ bytes: Data, _ words: String...) {
        testDescription = what
        self.bytes = bytes
        self.words = words
    }

    /// Makes an archive with a pickle of these instructions.
    init(_ what: String, pickle: [UInt8], _ words: String...) {
        testDescription = what
        bytes = Pickled.archive(Pickled.program(pickle))
        self.words = words
    }

    /// Makes a state dict with the tensor "t".
    init(_ what: String, tensor: [UInt8], _ words: String...) {
        testDescription = what
        bytes = Pickled.archive(Pickled.stateDictionary([("t", tensor)]))
        self.words = words
    }
}

@Suite("Hostile checkpoints")
struct HostileTests {
    private static let good = Pickled.stateDictionary([("t", Pickled.tensor(shape: [2], strides: [1]))])

    private static let programs = [
        Hostile(
            "os.system", pickle: Pickled.global("posix", "system") + Pickled.text("true") + [0x85, 0x52],
            "\"posix.system\"", "nothing was run"),
        Hostile(
            "builtins.eval", pickle: Pickled.global("__builtin__", "eval") + Pickled.text("1") + [0x85, 0x52],
            "\"__builtin__.eval\""),
        Hostile(
            "a whole module", pickle: Pickled.global("modules.modeling", "CLIP4Clip") + [0x29, 0x81],
            "\"modules.modeling.CLIP4Clip\"", "state_dict()"),
        Hostile("REDUCE of a string", pickle: Pickled.text("eval") + [0x29, 0x52], "REDUCE calls a string"),
        Hostile(
            "REDUCE of a storage class", pickle: Pickled.global("torch", "FloatStorage") + [0x29, 0x52],
            "REDUCE calls a storage class"),
        Hostile("INST", pickle: [0x28] + Array("ios\nsystem\n".utf8), "INST"),
        Hostile("OBJ", pickle: [0x28] + Pickled.global("collections", "OrderedDict") + [0x6F], "OBJ"),
        Hostile("NEWOBJ", pickle: Pickled.global("collections", "OrderedDict") + [0x29, 0x81], "NEWOBJ"),
        Hostile("STACK_GLOBAL", pickle: Pickled.text("os") + Pickled.text("system") + [0x93], "STACK_GLOBAL"),
        Hostile("EXT4", pickle: [0x84, 1, 0, 0, 0], "EXT4"),
        Hostile("an unknown instruction", pickle: [0xFE], "number 254"),
        Hostile("protocol 4", pickle: [0x80, 4], "protocol 4"),
        Hostile(
            "BUILD of a tuple", pickle: [0x7D, 0x29, 0x62], "BUILD"),
        Hostile("a million tuples in each other", pickle: [0x29] + [UInt8](repeating: 0x85, count: 1 << 20), "a tuple"),
        Hostile("a million marks", pickle: [UInt8](repeating: 0x28, count: 1 << 20), "empty stack"),
        Hostile(
            "a million dictionaries in each other",
            pickle: [UInt8](repeating: 0x7D, count: 2) + [0x71, 0]
                + [[UInt8]](repeating: [0x4E, 0x68, 0, 0x73], count: 1 << 18).joined(), "no tensors"),
        Hostile(
            "a bomb of tuples that hold themselves twice",
            pickle: [0x29] + [[UInt8]](repeating: [0x71, 0, 0x68, 0, 0x86], count: 1 << 16).joined(), "a tuple"),
        Hostile("a memo that was never set", pickle: [0x68, 7], "value 7"),
        Hostile(
            "a huge memo number", pickle: [0x29, 0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0x6A, 0xFE, 0xFF, 0xFF, 0xFF],
            "4294967294"),
        Hostile("an empty stack", pickle: [0x85], "empty stack"),
        Hostile("a mark that was never set", pickle: [0x74], "mark"),
        Hostile("a value below a mark", pickle: [0x7D, 0x28, 0x85], "empty stack"),
        Hostile("a string longer than the file", pickle: [0x58, 0xFF, 0xFF, 0xFF, 0xFF], "pickle ends too early"),
        Hostile("a name without an end", pickle: [0x63] + [UInt8](repeating: 0x61, count: 2000), "name without an end"),
        Hostile("an integer of 9 bytes", pickle: [0x8A, 9] + [UInt8](repeating: 1, count: 9), "9 bytes"),
        Hostile("a key without a value", pickle: [0x7D, 0x28, 0x4E, 0x75], "key without a value"),
        Hostile("items set on a tuple", pickle: [0x29, 0x4E, 0x4E, 0x73], "item of a tuple"),
        Hostile("items appended to a tuple", pickle: [0x29, 0x4E, 0x61], "appends to a tuple"),
        Hostile("a persistent id that is no storage", pickle: [0x29, 0x51], "BINPERSID"),
        Hostile("a list", pickle: [0x5D], "a list, not a dictionary"),
        Hostile("an empty state dict", pickle: [0x7D], "no tensors"),
        Hostile(
            "an optimiser's file",
            pickle: [0x7D] + Pickled.text("optimizer_state_dict") + [0x7D, 0x73], "optimiser"),
    ]

    private static let tensors = [
        Hostile(
            "a storage larger than its bytes",
            tensor: Pickled.tensor(Pickled.storage(count: 3), shape: [3], strides: [1]), "\"0\"", "claims 3"),
        Hostile(
            "a storage of a huge size", tensor: Pickled.tensor(Pickled.storage(count: .max), shape: [1], strides: [1]),
            "claims 9223372036854775807"),
        Hostile(
            "a storage of a negative size",
            tensor: Pickled.tensor(Pickled.storage(count: -1), shape: [1], strides: [1]),
            "claims -1"),
        Hostile(
            "a storage that is not there",
            tensor: Pickled.tensor(Pickled.storage(key: "../../etc"), shape: [2], strides: [1]), "\"../../etc\"",
            "not there"),
        Hostile(
            "a storage of complex numbers",
            tensor: Pickled.tensor(Pickled.storage("ComplexFloatStorage"), shape: [1], strides: [1]),
            "torch.ComplexFloatStorage"),
        Hostile("a stride past the end", tensor: Pickled.tensor(shape: [2], strides: [2]), "\"t\"", "does not fit"),
        Hostile("a huge stride", tensor: Pickled.tensor(shape: [2, 2], strides: [.max, .max]), "\"t\""),
        Hostile("a negative stride", tensor: Pickled.tensor(offset: 1, shape: [2], strides: [-1]), "\"t\""),
        Hostile("a negative size", tensor: Pickled.tensor(shape: [-2], strides: [1]), "\"t\""),
        Hostile("sizes that overflow", tensor: Pickled.tensor(shape: [1 << 32, 1 << 32], strides: [0, 0]), "\"t\""),
        Hostile(
            "sizes that overflow beside a 0", tensor: Pickled.tensor(shape: [0, .max, .max], strides: [1, 1, 1]),
            "\"t\""),
        Hostile("numbers repeated without end", tensor: Pickled.tensor(shape: [1 << 40], strides: [0]), "repeat"),
        Hostile("an offset past the end", tensor: Pickled.tensor(offset: 2, shape: [], strides: []), "\"t\""),
        Hostile("an empty tensor past the end", tensor: Pickled.tensor(offset: 3, shape: [0], strides: [1]), "\"t\""),
        Hostile("a negative offset", tensor: Pickled.tensor(offset: -1, shape: [1], strides: [1]), "\"t\""),
        Hostile("the largest offset", tensor: Pickled.tensor(offset: .max, shape: [1], strides: [1]), "\"t\""),
        Hostile("more sizes than strides", tensor: Pickled.tensor(shape: [1, 2], strides: [1]), "\"t\""),
        Hostile(
            "too many dimensions", tensor: Pickled.tensor(shape: .init(repeating: 1, count: 65), strides: []),
            "65 dimensions"),
        Hostile(
            "a name twice",
            Pickled.archive(
                Pickled.stateDictionary([
                    ("t", Pickled.tensor(shape: [2], strides: [1])), ("t", Pickled.tensor(shape: [1], strides: [1])),
                ])), "two tensors \"t\""),
    ]

    private static func archive(_ change: (inout [ZipBytes.Entry]) -> Void) -> Data {
        var entries: [ZipBytes.Entry] = [.init("m/data.pkl", good), .init("m/data/0", Data(count: 8))]
        change(&entries)
        return ZipBytes(entries).bytes
    }

    /// An object of a TorchScript class.
    private static let module = Pickled.global("__torch__", "Module") + [0x29, 0x81]

    private static func script(_ program: [UInt8]) -> Data {
        archive {
            $0[0].data = Pickled.program(program)
            $0.append(.init("m/code/__torch__.py", good))
        }
    }

    private static let containers = [
        Hostile("nothing", Data(), "torch.save"),
        Hostile("something else", Data("version https://git-lfs.github.com/spec/v1\n".utf8), "torch.save"),
        Hostile("a zip archive cut short", Pickled.archive(good).dropLast(30), "cut short", "directory"),
        Hostile("the first bytes of a zip archive", Pickled.archive(good).prefix(4), "cut short"),
        Hostile("a compressed entry", archive { $0[0].method = 8 }, "\"m/data.pkl\" is compressed"),
        Hostile("an encrypted entry", archive { $0[1].flags = 1 }, "\"m/data/0\" is encrypted"),
        Hostile("two entries of one name", archive { $0[1].name = "m/data.pkl" }, "two entries \"m/data.pkl\""),
        Hostile("no pickle", archive { $0[0].name = "m/other.pkl" }, "0 data.pkl"),
        Hostile("two pickles", archive { $0[1].name = "n/data.pkl" }, "2 data.pkl"),
        Hostile("an entry larger than the file", archive { $0[1].size = 1 << 30 }, "\"m/data/0\" claims"),
        Hostile("an entry that reaches into the next", archive { $0[0].size = good.count + 30 }, "overlap"),
        Hostile("an entry elsewhere", archive { $0[1].offset = 1 }, "\"m/data/0\" is not where"),
        Hostile("an entry beyond the directory", archive { $0[1].offset = 1 << 30 }, "\"m/data/0\" begins beyond"),
        Hostile("an entry that is another", archive { $0[1].offset = 0 }, "\"m/data/0\" has another name"),
        Hostile("another byte order", archive { $0.append(.init("m/byteorder", Data("big".utf8))) }, "byte order"),
        Hostile("compressed numbers", archive { $0[1].method = 8 }, "\"m/data/0\" is compressed"),
        Hostile(
            "an object of a class that is no module",
            script(
                [0x63] + Array("collections\nOrderedDict\n".utf8) + [
                    0x29, 0x81,
                ]), "no module of TorchScript"),
        Hostile("a module that calls code", script(Pickled.global("os", "system")), "os.system"),
        Hostile("a module without tensors", script(module + [0x7D, 0x62]), "no tensors"),
        Hostile("attributes that are a list", script(module + [0x5D, 0x62]), "no dictionary"),
        Hostile(
            "modules that hold each other",
            script(module + [0x71, 0, 0x7D] + Pickled.text("a") + [0x68, 0, 0x73, 0x62]),
            "without an end"),
        Hostile("a wrong place of the directory", damaged(fromEnd: 6), "directory"),
        Hostile("a wrong size of the directory", damaged(fromEnd: 10), "directory"),
        Hostile("a wrong number of entries", damaged(fromEnd: 12), "directory"),
    ]

    /// An archive with one byte changed, at an offset counted from its end.
    private static func damaged(fromEnd place: Int) -> Data {
        var bytes = Pickled.archive(good)
        bytes[bytes.count - place] ^= 1
        return bytes
    }

    @Test("are refused with a sentence that names what is wrong", arguments: programs + tensors + containers)
    func refused(_ file: Hostile) throws {
        #expect {
            try PyTorchFile(file.bytes.withUnsafeBytes { MappedFile(bytes: $0, name: "memory.bin") })
        } throws: { error in
            file.words.allSatisfy("\(error)".contains) && "\(error)".hasPrefix("memory.bin: ")
                && "\(error)".count < 500
        }
    }

    @Test("cut short anywhere, are refused", arguments: ["odd_layouts.bin", "odd_layouts_legacy.bin"])
    func cut(_ name: String) throws {
        let whole = try Data(contentsOf: Fixtures.reference.appending(path: "loader/\(name)"))
        for length in 0..<whole.count {
            #expect(throws: CheckpointError.self, "\(length) bytes") {
                try PyTorchFile(whole.prefix(length).withUnsafeBytes { MappedFile(bytes: $0, name: name) })
            }
        }
    }
}
