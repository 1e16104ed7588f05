import Foundation

/// Writes a film's frames to a segment, which appears when it is whole.
///
/// Belongs to one thread at a time.
///
/// A second writer of the same film begins anew what the first had not finished: `HistoryFolder.lock` keeps them apart.
package final class FilmWriter {
    private let folder: HistoryFolder
    private let header: SegmentHeader
    private let file: String
    private let part: String
    private let recorder: LaneRecorder

    /// Begins a film; its header has its file.
    package init(_ folder: HistoryFolder, _ header: SegmentHeader) throws(HistoryProblem) {
        guard let file = header.file else {
            throw HistoryProblem(.unwritable, folder.path, "a film's segment needs the film's path")
        }
        (self.folder, self.header, self.file) = (folder, header, file)
        part = folder.film(file, stream: header.stream) + ".part"
        try SegmentAppender.makeFolder(folder.folder(of: header.stream))
        unlink(part)
        recorder = try LaneRecorder(folder, header, path: part) { _ in true }
    }

    package func append(_ frame: HistoryFrame) throws(HistoryProblem) { try recorder.append(frame) }

    /// Puts the segment in its place, and takes away what there was of the film.
    ///
    /// `isCut`: the film broke off.
    package func finish(isCut: Bool) throws(HistoryProblem) {
        do throws(HistoryProblem) { try recorder.finish() } catch {
            unlink(part)
            throw error
        }
        let place = folder.film(file, stream: header.stream, isCut: isCut)
        guard rename(part, place) == 0 else {
            unlink(part)
            throw HistoryProblem(.unwritable, place, "it cannot be made: \(String(cString: strerror(errno)))")
        }
        unlink(folder.film(file, stream: header.stream, isCut: !isCut))
    }

    /// Leaves nothing of what was written.
    package func abandon() { unlink(part) }
}

extension HistoryFolder {
    /// Keeps other programs from adding films until what is returned goes; nil where one is at it.
    package func lock() throws(HistoryProblem) -> HistoryLock? {
        try SegmentAppender.makeFolder(path)
        let place = "\(path)/index.lock"
        let descriptor = open(place, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw HistoryProblem(.unwritable, place, "it cannot be made: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return HistoryLock(descriptor)
    }
}

/// A lock on a history's films; goes with the process at the latest.
package final class HistoryLock: Sendable {
    private let descriptor: Int32
    fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
}
