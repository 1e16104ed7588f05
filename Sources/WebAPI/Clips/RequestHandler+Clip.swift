import Concurrency
import ControlAPI
import Daemon
import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore
import Recording
import WireFormat

extension RequestHandler {
    /// The query arguments of a request for a clip.
    static let clipArguments: [Schema.Property] = [
        .init("file", .integer(1...16), "Which of its files, where the clip has several; the first, if it is left out.")
    ]

    /// Answers with a file of an event's clip (its video), or a part of it; status 202 while it is being written.
    func clip(
        _ event: String, _ query: [RequestTarget.Field], _ headers: HTTPFields, _ caller: Caller
    ) async throws -> Response {
        let number = try ArgumentReader.texts(query, Self.clipArguments)["file"].flatMap { Int($0) } ?? 1
        if let problem = Schemas.problem(.string(event), as: .event, at: "event") {
            throw Refusal(400, "bad-argument", problem)
        }
        guard let clips = daemon.recordings.clips else { throw Refusal(404, "not-found", "no clips are kept") }
        let isSeen = try await sees(event, caller)
        switch isSeen ? await offPool({ clips.clip(of: event) }) : .nothing {
        case .nothing: throw Refusal(404, "not-found", "there is no clip of event \"\(event)\"")
        case .beingWritten:
            var response = Self.json(Data("{\"state\":\"writing\"}".utf8))
            response.status = .accepted
            response.headers["Retry-After"] = "1"
            return response
        case .files(let paths):
            guard paths.indices.contains(number - 1) else {
                throw Refusal(404, "not-found", "the clip of event \"\(event)\" has \(paths.count) files")
            }
            guard let file = await offPool({ ClipFile(paths[number - 1]) }) else {
                throw Refusal(404, "not-found", "there is no clip of event \"\(event)\" any more")
            }
            var response = try file.response(headers)
            response.headers["Clip-Files"] = "\(paths.count)"
            return response
        }
    }
}

/// An open clip file, which can be read to its end even if the clip is deleted meanwhile.
private struct ClipFile: Sendable {
    private let handle: FileHandle
    private let size: Int
    /// The file's strong validator (`ETag`): inode, size and time, as a clip is written only once.
    private let tag: String
    private let type: String
    private static let chunk = 256 << 10

    init?(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        type = path.hasSuffix(".jpg") ? "image/jpeg" : "video/mp4"
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        size = Int(status.st_size)
        tag = "\"\(String(status.st_ino, radix: 36))-\(size)-\(status.st_mtim.tv_sec)\""
    }

    func response(_ asked: HTTPFields) throws(Refusal) -> Response {
        // If the client's part is of another file, it gets the whole file.
        let isSame = asked["If-Range"].map { $0 == tag } ?? true
        var fields: HTTPFields = [.contentType: type, .eTag: tag, .cacheControl: "private, no-cache"]
        fields["Accept-Ranges"] = "bytes"
        switch ByteRange(isSame ? asked["Range"] : nil, size: size) {
        case .whole: return Response(status: .ok, headers: fields, body: body(0..<size))
        case .part(let range):
            fields["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            return Response(status: .partialContent, headers: fields, body: body(range))
        case .unsatisfiable:
            throw Refusal(
                416, "bad-range", "Range: the clip has \(size) bytes", headers: ["Content-Range": "bytes */\(size)"])
        }
    }

    private func body(_ range: Range<Int>) -> ResponseBody {
        ResponseBody(contentLength: range.count) { writer in
            var place = range.lowerBound
            while place < range.upperBound {
                let (from, most) = (place, min(Self.chunk, range.upperBound - place))
                let bytes = await offPool { read(from, most) }
                guard bytes.readableBytes > 0 else { throw CocoaError(.fileReadUnknown) }
                place += bytes.readableBytes
                try await writer.write(bytes)
            }
            try await writer.finish(nil)
        }
    }

    private func read(_ from: Int, _ most: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: most) {
            max(0, pread(handle.fileDescriptor, $0.baseAddress, most, off_t(from)))
        }
        return buffer
    }
}
