/// A state dict written by `torch.save`, in the zip format or in the stream format before PyTorch 1.6.
///
/// The file is untrusted. `Unpickler` reads the pickle without running code, and each tensor is checked against its
/// storage before its bytes are read. Source: PyTorch `torch/serialization.py`; docs/MATHEMATICS.md, section 2.
package struct PyTorchFile: SingleFile {
    package let tensors: [String: TensorInfo]
    package let file: MappedFile
    private let places: [String: StridedTensor]

    package init(path: String) throws(CheckpointError) { try self.init(MappedFile(path: path)) }

    package init(_ file: MappedFile) throws(CheckpointError) {
        let isArchive = ZipArchive.isArchive(file)
        guard isArchive || PyTorchStream.isStream(file) else {
            throw CheckpointError(file.path, .malformed("it is not a file that torch.save wrote"))
        }
        let content = try isArchive ? PyTorchArchive.read(file) : PyTorchStream.read(file)
        var tensors: [String: TensorInfo] = [:]
        var places: [String: StridedTensor] = [:]
        // Views may repeat elements, so a small file could describe tensors of any size: limit their total.
        var room = 4 * file.count + 1 << 24
        for (name, tensor) in try StateDictionary.tensors(of: content.heap, path: file.path) {
            let key = tensor.storage.key
            guard let storage = content.storages[key] else {
                throw CheckpointError(
                    file.path, .truncated("tensor \(quoted(name)) is in the storage \(quoted(key)), which is not there")
                )
            }
            guard tensor.storage.count <= storage.count / tensor.storage.type.size else {
                throw CheckpointError(
                    file.path,
                    .truncated(
                        "the storage \(quoted(key)) of tensor \(quoted(name)) claims \(tensor.storage.count) elements of "
                            + "\(tensor.storage.type.size) bytes, it has \(storage.count) bytes"))
            }
            guard let place = StridedTensor(tensor, storage: storage) else {
                throw CheckpointError(
                    file.path,
                    .malformed(
                        "tensor \(quoted(name)) of shape \(tensor.shape) with offset \(tensor.offset) and strides "
                            + "\(tensor.strides) does not fit its storage of \(tensor.storage.count) elements"))
            }
            room -= place.count
            guard room >= 0 else {
                throw CheckpointError(
                    file.path, .malformed("its tensors are views that repeat far more numbers than the file holds"))
            }
            places[name] = place
            tensors[name] = TensorInfo(name: name, type: place.type, shape: tensor.shape)
        }
        self.file = file
        self.tensors = tensors
        self.places = places
    }

    package func withBytes<R>(of name: String, _ body: (UnsafeRawBufferPointer) -> R) throws(CheckpointError) -> R {
        guard let place = places[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        return place.withBytes(of: file, body)
    }
}

/// The decoded pickle of a `torch.save` file, and the byte range of each storage in the file, by storage key.
struct PyTorchContent {
    let heap: PickleHeap
    let storages: [String: Range<Int>]
}

/// Reads the `torch.save` format since PyTorch 1.6: a zip of `<any name>/data.pkl` and `<any name>/data/<key>`.
///
/// The first is a pickle, the others are the storages that it names.
enum PyTorchArchive {
    static func read(_ file: MappedFile) throws(CheckpointError) -> PyTorchContent {
        let archive = try ZipArchive(file)
        let entries = archive.entries
        func isPickle(_ name: String) -> Bool {
            name.hasSuffix("/data.pkl") && name.utf8.count(where: { $0 == 0x2F }) == 1
        }
        let pickles = entries.keys.filter(isPickle)
        // Entries with TorchScript code may be compressed, since they are not read; pickle and weights may not.
        if let packed = archive.compressed.first(where: { isPickle($0) || $0.contains("/data/") }) {
            throw CheckpointError(
                file.path,
                .malformed(
                    "the zip archive's entry \(quoted(packed)) is compressed; torch.save stores entries as they are"))
        }
        guard let pickle = pickles.first, pickles.count == 1, let range = entries[pickle] else {
            throw CheckpointError(
                file.path, .malformed("the zip archive has \(pickles.count) data.pkl, torch.save writes one"))
        }
        let top = pickle.dropLast("data.pkl".count)
        // In TorchScript, modules are objects of classes whose code is in the archive. No code is run.
        let names = Array(entries.keys) + archive.compressed
        let isScript = names.contains { $0 == "\(top)constants.pkl" || $0.hasPrefix("\(top)code/") }
        if let order = entries["\(top)byteorder"] {
            guard file.withBytes(order, { $0.elementsEqual("little".utf8) }) else {
                throw CheckpointError(file.path, .unsupported("a byte order other than little-endian"))
            }
        }
        let prefix = "\(top)data/"
        var storages: [String: Range<Int>] = [:]
        for (name, bytes) in entries where name.hasPrefix(prefix) {
            storages[String(name.dropFirst(prefix.count))] = bytes
        }
        return PyTorchContent(heap: try Unpickler.read(file, range, isScript: isScript).heap, storages: storages)
    }
}

/// Reads the `torch.save` format before PyTorch 1.6: five pickles, then the storages.
///
/// The pickles are a magic number, the format version, facts about the machine, the saved object, and the storage keys.
/// Each storage is its length in elements, followed by its bytes.
enum PyTorchStream {
    /// The first pickle of the stream, which encodes PyTorch's magic number; it identifies the format.
    private static let magic: [UInt8] = [
        0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    static func isStream(_ file: MappedFile) -> Bool {
        file.count >= magic.count && file.withBytes(0..<magic.count) { $0.elementsEqual(magic) }
    }

    static func read(_ file: MappedFile) throws(CheckpointError) -> PyTorchContent {
        var offset = magic.count
        func next() throws(CheckpointError) -> PickleHeap {
            let (heap, end) = try Unpickler.read(file, offset..<file.count)
            offset = end
            return heap
        }
        guard case .integer(1001) = try next().result else {
            throw CheckpointError(file.path, .unsupported("this version of PyTorch's old stream format"))
        }
        let machine = try next()
        guard case .dictionary(let facts) = machine.result,
            case .flag(true)? = machine.entries(facts).first(where: { $0.key == "little_endian" })?.value
        else { throw CheckpointError(file.path, .unsupported("a byte order other than little-endian")) }
        let heap = try next()
        let keys = try next()
        guard case .list(let list) = keys.result else {
            throw CheckpointError(
                file.path, .malformed("it has \(keys.result.kind) where its storages' keys should be"))
        }
        let types = Dictionary(heap.storages.map { ($0.key, $0.type) }) { first, _ in first }
        var reader = try ByteReader(file, offset..<file.count, what: "a storage")
        var storages: [String: Range<Int>] = [:]
        for value in keys.lists[list] {
            guard case .text(let key) = value, let type = types[key], storages[key] == nil else {
                throw CheckpointError(file.path, .malformed("its list of storages does not match its tensors"))
            }
            let count = try reader.integer(Int64.self)
            guard count >= 0, count <= Int64(reader.remaining / type.size) else {
                throw CheckpointError(
                    file.path,
                    .truncated(
                        "the storage \(quoted(key)) claims \(count) elements, \(reader.remaining) bytes are left"))
            }
            let start = reader.offset
            try reader.skip(Int(count) * type.size)
            storages[key] = start..<reader.offset
        }
        return PyTorchContent(heap: heap, storages: storages)
    }
}
