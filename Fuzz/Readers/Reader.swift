import CLIP
import Checkpoints
import Containers
import Foundation
import Packets
import Pixels
import TestSupport
import Tokenizers

/// The readers of untrusted files and messages, each with its corpus in `Fuzz/corpus`.
package enum Reader: String, CaseIterable, Sendable {
    case safetensors, zip, pickle, config, vocabulary, index, tokenizer, sentencepiece
    case configuration, queries, control, clients, web, pictures, films, multipart, movie, history, packets

    /// A text with characters of one to four bytes, special tokens and white space.
    private static let sentence = "A photo of\t <|endoftext|> <eos> caf\u{e9} \u{2581}\u{732b}\u{1F431}"

    /// Reads an input, which may be refused with an error; a trap, a hang or 2 GB of memory is a bug.
    package func read(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .safetensors: readSafetensors(bytes)
        case .zip: readFile { try PyTorchFile(bytes.inMemory) }
        case .pickle:
            // The stream of old holds pickles as it is; any other pickle lies in an archive with two storages.
            readFile { try PyTorchFile(bytes.inMemory) }
            readFile { try PyTorchFile(archive(bytes).inMemory) }
        case .config: readConfiguration(bytes)
        case .index: attempt { _ = try ShardedFile.map(bytes.inMemory) }
        case .tokenizer:
            for rule in [TextCleaning.Rule.family, .canonicalize] {
                attempt { _ = try Tokenizer(json: Array(bytes), cleaning: rule).encode(Self.sentence) }
            }
        case .sentencepiece: attempt { _ = try Tokenizer(sentencePiece: Array(bytes)).encode(Self.sentence) }
        case .pictures: readPicture(bytes)
        case .films: readFilm(bytes)
        case .multipart: readMultipart(bytes)
        case .movie:
            if let length = PreviewTrack.misleadingLength(in: Array(bytes)) {
                precondition([4, 8].contains(length.count) && length.upperBound <= bytes.count)
            }
        case .web: attempt { try WebRequests.read(Data(bytes)) }
        case .vocabulary: readVocabulary(bytes)
        case .configuration: attempt { try Requests.configuration(Data(bytes)) }
        case .queries: attempt { try Requests.queries(Data(bytes)) }
        case .control: attempt { try Requests.control(Data(bytes)) }
        case .clients: attempt { try Requests.clients(Data(bytes)) }
        case .history: HistorySegments.read(Array(bytes))
        case .packets: readPackets(bytes)
        }
    }
}

private func readSafetensors(_ bytes: UnsafeRawBufferPointer) {
    readFile { try SafetensorsFile(bytes.inMemory) }
    // The length before the header is hardly ever right after a mutation: put a right one before what may be a header.
    guard bytes.first == UInt8(ascii: "{") else { return }
    let length = withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) }
    readFile { try SafetensorsFile((length + bytes + [UInt8](repeating: 0x3C, count: 64)).inMemory) }
}

/// Reads a configuration file of a model, such as `config.json`.
private func readConfiguration(_ bytes: UnsafeRawBufferPointer) {
    let file = ModelFile(path: "fuzz", data: Data(bytes))
    var notes: [String] = []
    attempt { _ = try HuggingFaceConfig.parse(file, notes: &notes) }
    attempt { _ = try ModelDefaults.parse(file) }
    attempt { _ = try PreprocessorConfig.parse(file, side: 224, notes: &notes) }
    attempt { _ = try PreprocessorConfig.nested(file, side: 224, notes: &notes) }
    attempt { _ = try OpenCLIPConfig.parse(file, tensors: MemoryTensors([:], origin: "fuzz")) }
}

/// Reads `vocab.json`, a zero byte, `merges.txt`.
private func readVocabulary(_ bytes: UnsafeRawBufferPointer) {
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
    attempt {
        let tokenizer = try Tokenizer(vocabulary: parts[0], merges: parts.count > 1 ? parts[1] : [])
        _ = tokenizer.encode("a photo of <|endoftext|>")
    }
}

private func readPicture(_ bytes: UnsafeRawBufferPointer) {
    let file = Array(bytes)
    _ = PictureHeader.size(beginning: file)
    attempt {
        // Decodes pictures whose header promises a small one: a large one takes seconds.
        let header = try PictureHeader(file)
        if header.width * header.height < 1 << 18 { _ = try StillPicture(decoding: file) }
    }
}

private func readFilm(_ bytes: UnsafeRawBufferPointer) {
    let file = Array(bytes)
    let count = file.count
    let whole = FilmFile(size: count) { at, length in Array(file[at..<min(at + length, count)]) }
    precondition(whole.cut?.isEmpty != true)
    _ = MovieHeader.displays(in: file)
    // As a server sends it: in pieces.
    var scanner = MovieScanner()
    for start in stride(from: 0, to: count, by: 7) {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 7, count)])
        if let index = scanner.take(piece, at: nil) {
            _ = MovieHeader.displays(in: index)
            break
        }
    }
}

/// Reads every tensor that a file's header lists, as loading a model would.
private func readFile(_ open: () throws -> any CheckpointFile) {
    attempt {
        let file = try open()
        _ = file.sampleHash
        let names = try CheckpointNames(file)
        let towers = [ModelDirectory.Layout.openAI, .huggingFace].map { $0.names(names) as any TensorSource }
        let sources: [any TensorSource] = [file, names] + towers
        for source in sources {
            for info in source.tensors.values where info.count <= 4096 { attempt { _ = try source.floats(info.name) } }
        }
        for info in file.tensors.values where info.count <= 4096 { attempt { _ = try file.integers(info.name) } }
        _ = try Architecture(inferredFrom: OpenAINames(names))
    }
}

/// Reads a Content-Type line and a body; the parts must be the same in whatever pieces the body comes.
private func readMultipart(_ bytes: UnsafeRawBufferPointer) {
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    let boundary = MultipartParser.boundary(of: String(decoding: line, as: UTF8.self)) ?? ""
    let body = Array(bytes.dropFirst(line.count + 1))
    var whole = MultipartParser(boundary: boundary)
    let parts = whole.append(body)
    precondition(parts.reduce(0) { $0 + $1.body.count } <= body.count)
    var (pieces, found): (MultipartParser, [MultipartParser.Part]) = (MultipartParser(boundary: boundary), [])
    let size = max(1, line.count)
    for start in stride(from: 0, to: body.count, by: size) {
        found += pieces.append(Array(body[start..<min(start + size, body.count)]))
    }
    // Only what is left out for its length depends on the pieces: it is looked at when they come.
    precondition(whole.leftOut + pieces.leftOut > 0 || parts == found, "other pieces, other parts")
}

/// The first byte is the coding, whether units are left out, and how many bytes come at a time.
private func readPackets(_ bytes: UnsafeRawBufferPointer) {
    let way = Int(bytes.first ?? 0)
    let coding: NALSyntax = way & 1 == 0 ? .h264 : .h265
    func units(in pieces: Int) throws -> [PacketReader.Event] {
        var reader = PacketReader(.init(coding: coding, payloadType: 96, channel: 0, clockRate: 90_000))
        var (found, rest): ([PacketReader.Event], Slice<UnsafeRawBufferPointer>) = ([], bytes.dropFirst())
        while !rest.isEmpty {
            let count = reader.read { room in
                room.copyBytes(from: rest.prefix(min(pieces, room.count)))
                return min(pieces, room.count, rest.count)
            }
            rest = rest.dropFirst(count)
            let drops = way & 2 != 0
            while let event = try reader.next(arrival: 1_000_000_000, drops: { drops }) { found.append(event) }
        }
        return found
    }
    attempt {
        let (whole, parted) = (try units(in: .max), try units(in: 1 + way >> 2))
        precondition(whole == parted, "other pieces, other units")
    }
}

/// Runs `body`, which may throw; describing the error must not trap either.
func attempt(_ body: () throws -> Void) {
    do { try body() } catch { precondition(!"\(error)".isEmpty) }
}

/// Returns an archive of two storages and the given pickle.
private func archive(_ pickle: UnsafeRawBufferPointer) -> [UInt8] {
    var bytes = Template.head + pickle + Template.directory
    // The pickle's size, twice, is in the directory's last entry; the directory's place in the archive's last record.
    let size = withUnsafeBytes(of: UInt32(pickle.count).littleEndian) { Array($0) }
    let place = withUnsafeBytes(of: UInt32(Template.head.count + pickle.count).littleEndian) { Array($0) }
    let record = bytes.count - 22 - 46 - "m/data.pkl".utf8.count
    bytes.replaceSubrange(record + 20..<record + 28, with: size + size)
    bytes.replaceSubrange(bytes.count - 6..<bytes.count - 2, with: place)
    return bytes
}

/// The bytes of an archive before and after its pickle.
private enum Template {
    private static let whole = Array(
        ZipBytes([
            .init("m/data/0", Data(repeating: 0x3C, count: 64)), .init("m/data/1", Data(repeating: 0xC3, count: 16)),
            .init("m/data.pkl", Data()),
        ]).bytes)
    private static let split = whole.count - 22 - 3 * 46 - "m/data/0m/data/1m/data.pkl".utf8.count
    static let head = Array(whole[..<split])
    static let directory = Array(whole[split...])
}

extension UnsafeRawBufferPointer {
    fileprivate var inMemory: MappedFile { MappedFile(bytes: self, name: "fuzz") }
}

extension [UInt8] {
    fileprivate var inMemory: MappedFile { withUnsafeBytes { $0.inMemory } }
}
