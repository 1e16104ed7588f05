import Foundation
import SystemSupport

/// Writes a film's frames to a segment, which appears when it is complete.
///
/// Belongs to one thread at a time. `HistoryFolder.lock` keeps others from writing the same film.
package final class FilmWriter {
    private let folder: HistoryFolder
    private let header: SegmentHeader
    private let file: String
    private let recorder: LaneRecorder
    /// The segment in progress; nil once the film is finished or abandoned, and deleted if it was not published.
    private var part: AtomicFile.Part?

    /// Begins a film; the header names its file.
    package init(_ folder: HistoryFolder, _ header: SegmentHeader) throws(HistoryProblem) {
        guard let file = header.file else {
            throw HistoryProblem(.unwritable, folder.path, "a film's segment needs the film's path")
        }
        (self.folder, self.header, self.file) = (folder, header, file)
        try SegmentAppender.makeFolder(folder.folder(of: header.stream))
        let part = AtomicFile.Part(of: folder.film(file, stream: header.stream))
        recorder = try LaneRecorder(folder, header, path: part.path)
        self.part = part
    }

    package func append(_ frame: HistoryFrame) throws(HistoryProblem) { try recorder.append(frame) }

    /// Publishes the segment, and removes an older one of the film.
    ///
    /// `isCut`: the film broke off before its end.
    package func finish(isCut: Bool) throws(HistoryProblem) {
        defer { abandon() }
        try recorder.finish()
        let place = folder.film(file, stream: header.stream, isCut: isCut)
        do { try part?.publish(as: place) } catch {
            throw HistoryProblem(.unwritable, place, "it cannot be made: \(error.reason)")
        }
        unlink(folder.film(file, stream: header.stream, isCut: !isCut))
    }

    /// Deletes what was written.
    package func abandon() { part = nil }
}
