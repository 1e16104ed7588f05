package import Checkpoints
package import Foundation

/// Writes pickles by hand, valid and hostile ones.
package enum Pickled {
    /// Joins protocol 2, the parts, and STOP.
    package static func program(_ parts: [UInt8]...) -> Data { Data([0x80, 2] + parts.joined() + [0x2E]) }

    package static func text(_ text: String) -> [UInt8] { [0x58] + little(UInt32(text.utf8.count)) + Array(text.utf8) }

    package static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

    /// Encodes an integer in the shortest form, negative ones included.
    package static func integer(_ value: Int) -> [UInt8] {
        (0...255).contains(value) ? [0x4B, UInt8(value)] : [0x8A, 8] + little(UInt64(bitPattern: Int64(value)))
    }

    package static func tuple(_ items: [Int]) -> [UInt8] { [0x28] + items.flatMap(integer) + [0x74] }

    package static func storage(_ type: String = "FloatStorage", key: String = "0", count: Int = 2) -> [UInt8] {
        [0x28] + text("storage") + global("torch", type) + text(key) + text("cuda:0") + integer(count) + [0x74, 0x51]
    }

    package static func tensor(
        _ storage: [UInt8] = storage(), offset: Int = 0, shape: [Int], strides: [Int]
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2") + [0x28] + storage + integer(offset) + tuple(shape)
            + tuple(strides) + [0x89] + global("collections", "OrderedDict") + [0x29, 0x52, 0x74, 0x52]
    }

    package static func stateDictionary(_ tensors: [(String, [UInt8])]) -> Data {
        program(
            global("collections", "OrderedDict") + [0x29, 0x52, 0x28], tensors.flatMap { text($0.0) + $0.1 },
            [0x75], [0x7D] + text("_metadata") + [0x7D, 0x73, 0x62])
    }

    /// Puts the pickle and its one storage into a zip archive.
    package static func archive(_ pickle: Data, _ storage: Data = Data(count: 8)) -> Data {
        ZipBytes([.init("model/data.pkl", pickle), .init("model/data/0", storage)]).bytes
    }

    /// Returns what `torch.save` would write for these tensors and some buffers of one 64-bit integer.
    package static func archive(_ source: any CheckpointFile, buffers: [String]) throws -> Data {
        let types: [ElementType: String] = [
            .float64: "Double", .float32: "Float", .float16: "Half", .bfloat16: "BFloat16", .int64: "Long",
            .int32: "Int", .int16: "Short", .int8: "Char", .uint8: "Byte", .bool: "Bool",
        ]
        var items: [(String, [UInt8])] = []
        var entries: [ZipBytes.Entry] = []
        for (name, info) in source.tensors.sorted(by: { $0.key < $1.key }) {
            let key = "\(entries.count)"
            entries.append(.init("model/data/\(key)", try source.withBytes(of: name) { Data($0) }))
            let strides = info.shape.indices.map { info.shape[($0 + 1)...].reduce(1, *) }
            let storage = storage("\(types[info.type] ?? "")Storage", key: key, count: info.count)
            items.append((name, tensor(storage, shape: info.shape, strides: strides)))
        }
        for name in buffers {
            let storage = storage("LongStorage", key: "\(entries.count)", count: 1)
            entries.append(.init("model/data/\(entries.count)", Data(count: 8)))
            items.append((name, tensor(storage, shape: [1, 1], strides: [1, 1])))
        }
        return ZipBytes([.init("model/data.pkl", stateDictionary(items))] + entries).bytes
    }

    private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}

/// Writes a zip archive of stored entries, with faults that a test chooses.
package struct ZipBytes {
    package struct Entry {
        package var name: String
        package var data: Data
        package var flags: UInt16 = 0
        package var method: UInt16 = 0
        /// The size stated in the directory; nil states the true one.
        package var size: Int?
        package var offset: Int?

        package init(_ name: String, _ data: Data) {
            self.name = name
            self.data = data
        }
    }

    package private(set) var bytes = Data()

    package init(_ entries: [Entry], padding: Int = 0, zip64: Bool = false, comment: Data = Data()) {
        var directory = Data()
        for entry in entries {
            let offset = entry.offset ?? bytes.count
            let size = entry.size ?? entry.data.count
            let name = Data(entry.name.utf8)
            bytes += [0x50, 0x4B, 3, 4] + number(20, 2) + number(Int(entry.flags), 2) + number(Int(entry.method), 2)
            bytes += number(0, 16) + number(name.count, 2) + number(padding, 2) + name
            bytes += Data(repeating: 0x5A, count: padding) + entry.data
            let extra =
                zip64
                ? number(0x4246, 2) + number(0, 2) + number(1, 2) + number(24, 2)
                    + number(size, 8) + number(size, 8) + number(offset, 8) : Data()
            directory += [0x50, 0x4B, 1, 2] + number(20, 4) + number(Int(entry.flags), 2)
            directory += number(Int(entry.method), 2) + number(0, 8)
            directory += number(zip64 ? 0xFFFF_FFFF : size, 4) + number(zip64 ? 0xFFFF_FFFF : size, 4)
            directory += number(name.count, 2) + number(extra.count, 2) + number(0, 10)
            directory += number(zip64 ? 0xFFFF_FFFF : offset, 4) + name + extra
        }
        let start = bytes.count
        bytes += directory
        if zip64 {
            let record = bytes.count
            bytes += [0x50, 0x4B, 6, 6] + number(44, 8) + number(45, 4) + number(0, 8) + number(entries.count, 8)
            bytes += number(entries.count, 8) + number(directory.count, 8) + number(start, 8)
            bytes += [0x50, 0x4B, 6, 7] + number(0, 4) + number(record, 8) + number(1, 4)
        }
        bytes += [0x50, 0x4B, 5, 6] + number(0, 4) + number(zip64 ? 0xFFFF : entries.count, 2)
        bytes += number(zip64 ? 0xFFFF : entries.count, 2) + number(zip64 ? 0xFFFF_FFFF : directory.count, 4)
        bytes += number(zip64 ? 0xFFFF_FFFF : start, 4) + number(comment.count, 2) + comment
    }

    private func number(_ value: Int, _ width: Int) -> Data {
        Data((0..<width).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 })
    }
}
