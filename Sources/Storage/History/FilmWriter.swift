import Foundation
package import Segments
import SystemSupport

/// Writes the embeddings of a film's frames to one history file, which appears when it is complete.
///
/// The object belongs to one thread at a time. `HistoryFolder.lock` keeps others from writing the same film.
package final class FilmWriter {
    private let folder: HistoryFolder
    private let header: SegmentHeader
    private let file: String
    private let recorder: LaneRecorder
    /// The unfinished history file of the film; nil once the film is finished or abandoned.
    private var part: AtomicFile.Part?

    /// Begins the history file of a film; `header` must contain the film's path.
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

    /// Puts the finished history file in its place, and removes an older one of the same film.
    ///
    /// `isCut` tells that the film broke off before its end.
    package func finish(isCut: Bool) throws(HistoryProblem) {
        defer { abandon() }
        try recorder.finish()
        let place = folder.film(file, stream: header.stream, isCut: isCut)
        do { try part?.publish(as: place) } catch {
            throw HistoryProblem(.unwritable, place, "it cannot be made: \(error.reason)")
        }
        unlink(folder.film(file, stream: header.stream, isCut: !isCut))
    }

    /// Deletes the unfinished history file.
    package func abandon() { part = nil }
}
