import Foundation
import Segments

/// Appends pictures to the picture file of one stream and hour; belongs to one thread.
final class PictureAppender {
    let path: String
    private let space: HistorySpace?
    private let hold: HistorySpace.Hold?
    private let descriptor: Int32
    private var end = 0

    /// Opens a picture file to append after its last complete record, or creates it.
    ///
    /// If the file's header is damaged, the file is replaced by a new one.
    init(_ path: String, _ header: SegmentHeader, space: HistorySpace?) throws(HistoryProblem) {
        (self.path, self.space) = (path, space)
        hold = space?.hold(path)
        var known: PictureReader?
        do throws(HistoryProblem) { known = try PictureReader(path) } catch {
            guard error.kind == .gone || error.kind == .unreadable else { throw error }
            if error.kind == .unreadable { unlink(path) }
        }
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.problem(path) }
        if let known {
            end = known.end
            ftruncate(descriptor, off_t(end))
            return
        }
        do throws(HistoryProblem) { try write(header.encoded(path: path)) } catch {
            // `deinit` closes the descriptor.
            unlink(path)
            throw error
        }
    }

    deinit { close(descriptor) }

    func append(_ jpeg: Data, wall: Double, isPeak: Bool) throws(HistoryProblem) {
        try write(PictureFile.RecordHeader.record(jpeg, wall: wall, isPeak: isPeak))
    }

    func flush() throws(HistoryProblem) {
        guard fdatasync(descriptor) == 0 else { throw Self.problem(path) }
    }

    /// Appends all bytes to the file, or none if it throws.
    private func write(_ bytes: [UInt8]) throws(HistoryProblem) {
        guard space?.take(bytes.count, ofPictures: true) ?? true else {
            throw HistoryProblem(.unwritable, path, "the pictures have reached their bound, and nothing older can go")
        }
        let code = FileBytes.write(bytes, to: descriptor, at: end)
        guard code == 0 else { throw Self.problem(path, code) }
        end += bytes.count
    }

    private static func problem(_ path: String, _ code: Int32 = errno) -> HistoryProblem {
        HistoryProblem(.unwritable, path, "it cannot be written: \(String(cString: strerror(code)))")
    }
}

/// Writes one stream's pictures to files, one for each hour; belongs to one thread.
final class PictureRecorder {
    private let folder: HistoryFolder
    private let stream: String
    private let space: HistorySpace
    private var file: PictureAppender?
    private var isDirty = false
    /// True if no picture was appended since the last call of `seal`.
    private var isIdle = false
    /// The time of the last picture taken at an event's best score (its peak), in seconds since 1970.
    ///
    /// Of several events that peak within a second, only one picture is stored.
    private var lastPeak = -Double.infinity

    init(_ folder: HistoryFolder, _ stream: String, space: HistorySpace) {
        (self.folder, self.stream, self.space) = (folder, stream, space)
    }

    /// Writes a picture to the file of its hour; returns false if it was left out.
    ///
    /// A picture is left out if it cannot be encoded, or if it is of an event's best score and another such picture is
    /// from within a second.
    func append(_ picture: HistoryPicture) throws(HistoryProblem) -> Bool {
        try HistoryProblem.refuse(time: 0, picture.wall, of: picture.stream)
        if picture.isPeak, abs(picture.wall - lastPeak) < 1 { return false }
        guard let jpeg = picture.jpeg(), 1...HistoryPicture.mostBytes ~= jpeg.count else { return false }
        isIdle = false
        let (day, hour) = PictureFile.slot(at: picture.wall)
        let path = folder.pictures(of: stream, day: day, hour: hour)
        if file?.path != path {
            try finish()
            try SegmentAppender.makeFolder(folder.folder(of: stream))
            file = try PictureAppender(path, PictureFile.header(of: stream), space: space)
        }
        try file?.append(jpeg, wall: picture.wall, isPeak: picture.isPeak)
        isDirty = true
        if picture.isPeak { lastPeak = picture.wall }
        return true
    }

    func flush() throws(HistoryProblem) {
        guard isDirty else { return }
        try file?.flush()
        isDirty = false
    }

    /// Closes the picture file if no picture was appended since the last call; it can then be deleted by age.
    func seal() throws(HistoryProblem) {
        defer { isIdle = true }
        if isIdle { try finish() }
    }

    func finish() throws(HistoryProblem) {
        defer { file = nil }
        try flush()
    }
}
