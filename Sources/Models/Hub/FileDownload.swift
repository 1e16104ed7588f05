import AsyncHTTPClient
import Foundation
import NIOCore

/// Downloads one file from a model hub into a folder: resumes after an interruption, and checks the checksum.
struct FileDownload {
    let client: HubClient
    let url: URL
    let file: RemoteFile
    /// The model and file name, for error messages.
    let what: String
    let part: PartFile
    let retries: Retries
    let waiting: (String, Double) -> Void
    /// Is called with the number of bytes received so far, those of earlier attempts included.
    let progress: (Int) -> Void

    /// Downloads the file and returns its size in bytes; skips a complete file with the right checksum.
    func run() async throws -> Int {
        if let checksum = file.checksum, let size = file.size, try await part.matches(checksum, whole: true) == true {
            progress(size)
            return size  // an earlier download completed the file
        }
        // A file put together from several responses may mix two versions, if the server ignores `If-Range`: try once
        // more. If the checksum is wrong again, give up.
        for _ in 0..<2 {
            let (size, isWhole) = try await fetch()
            if try await isRight() {
                try await part.finish()
                return size
            }
            try await part.discard()
            if isWhole { break }
        }
        throw HubError(.badData, "\(what): the bytes are not those whose checksum the server gives")
    }

    private func isRight() async throws -> Bool {
        guard let checksum = file.checksum else { return true }
        return try await part.matches(checksum, whole: false) == true
    }

    /// Downloads the file with retries; returns its size, and true if a single response contained all bytes.
    private func fetch() async throws -> (size: Int, isWhole: Bool) {
        var received = 0
        var isWhole = true
        let size = try await retries.run(what, progress: { received }, waiting: waiting) {
            try await attempt(&received, &isWhole)
        }
        return (size, isWhole)
    }

    /// Makes one request and appends its bytes to the `.part` file; returns the size of the file then.
    ///
    /// Throws `Transient` if the connection breaks; the bytes received until then are kept for the next attempt.
    private func attempt(_ received: inout Int, _ isWhole: inout Bool) async throws -> Int {
        var (offset, validator) = try await part.begun()
        // Without a validator or a checksum, the kept bytes could belong to another version of the file: start anew.
        if offset > file.size ?? .max || (validator == nil && file.checksum == nil) { offset = 0 }
        if offset > 0, offset == file.size {
            isWhole = false
            progress(offset)
            return offset
        }
        received = offset
        isWhole = offset == 0
        var headers: [(String, String)] = []
        if offset > 0 {
            headers.append(("Range", "bytes=\(offset)-"))
            if let validator { headers.append(("If-Range", validator)) }
        }
        let answer = try await client.get(url, what, headers: headers)
        if answer.status == 416 {
            let total = answer.rangeTotal
            if offset > 0, total == offset, file.size == nil { return offset }
            try await part.restart(validator: nil)
            if offset > 0, let total { try checkSize(total) }
            received = 0
            throw Transient(reason: "the server has no bytes after \(offset)", wait: 0)
        }
        if answer.status == 206 {
            guard offset > 0, answer.rangeStart == offset else {
                try await part.restart(validator: nil)
                received = 0
                throw Transient(reason: "the server sends other bytes than were asked for")
            }
            if let total = answer.rangeTotal { try checkSize(total) }
        } else {
            offset = 0
            received = 0
            isWhole = true
            if let length = answer.length { try checkSize(length) }
            try await part.restart(validator: answer.strongETag)
        }
        let expected = file.size ?? answer.length.map { $0 > Int.max - offset ? Int.max : $0 + offset }
        return try await receive(answer, from: offset, expected: expected, &received)
    }

    /// Appends the body of a response to the `.part` file; returns the size of the file then.
    ///
    /// `offset` is the size of the file before. Throws if the server sends more or fewer bytes than `expected`.
    private func receive(
        _ answer: HubClient.Answer, from offset: Int, expected: Int?, _ received: inout Int
    ) async throws -> Int {
        let limit = expected ?? RepositoryListing.limit(of: file.name)
        let handle = try await part.open()
        defer { try? handle.close() }
        var pieces = answer.body.makeAsyncIterator()
        while let piece = try await HubClient.next(&pieces) {
            guard received + piece.readableBytes <= limit else {
                try await part.discard()
                throw HubError(.badData, "\(what): more bytes come than the \(limit) that there should be")
            }
            try await part.append(Data(piece.readableBytesView), to: handle)
            received += piece.readableBytes
            progress(received)
        }
        if let expected, received < expected {
            // A chunked body has an explicit end, so a short one is complete: the server's size is wrong.
            guard !answer.isChunked else {
                try await part.discard()
                throw HubError(.badData, "\(what): \(received) bytes come where the server says \(expected)")
            }
            throw Transient(reason: "the connection was cut after \(received) of \(expected) bytes")
        }
        return received
    }

    /// Throws if `size` differs from the size of the file in the hub's list of files.
    private func checkSize(_ size: Int) throws(HubError) {
        guard let said = file.size, said != size else { return }
        throw HubError(.badData, "\(what): the server says \(said) bytes in its list, \(size) when it sends them")
    }
}
