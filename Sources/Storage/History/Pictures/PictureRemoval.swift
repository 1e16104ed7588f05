import Foundation
import Segments
import SystemSupport

extension HistoryRemoval {
    /// Removes the pictures within the span of time to remove from the picture file of one hour.
    ///
    /// `owner` is the stream's name, used if the file's header is damaged. Unreadable parts are removed with any span
    /// that may include them.
    func removePictures(
        _ file: HistoryFolder.Segment, _ owner: String?, _ space: HistorySpace?, _ result: inout Result
    ) {
        guard let day = file.day else { return }
        let start = Double(day) * 86_400 + Double(file.number) * PictureFile.hour
        let end = start + PictureFile.hour
        guard end > from ?? -.infinity, start < to ?? .infinity else { return }
        let reader: PictureReader
        do throws(HistoryProblem) { reader = try PictureReader(file.path) } catch {
            guard error.kind != .gone, let owner, selects(owner) else { return result.skips.note(error) }
            return unlinkPictures(file, 0, &result)
        }
        guard selects(reader.header.stream) else { return }
        let kept = reader.entries.filter { !isMeant($0.wall) }
        let removed = reader.entries.count - kept.count
        if kept.isEmpty { return unlinkPictures(file, removed, &result) }
        guard removed > 0 || reader.damaged > 0 || reader.end < file.bytes else { return }
        // While this file is protected, retention makes room by deleting others.
        let hold = space?.hold(file.path)
        defer { withExtendedLifetime(hold) {} }
        do throws(HistoryProblem) {
            let part = AtomicFile.Part(of: file.path)
            let writer = try PictureAppender(part.path, reader.header, space: space)
            for entry in kept {
                guard let jpeg = reader.jpeg(entry) else { continue }
                try writer.append(jpeg, wall: entry.wall, isPeak: entry.header.isPeak)
            }
            try writer.flush()
            do { try part.publish() } catch {
                throw HistoryProblem(.unwritable, file.path, "it cannot be replaced: \(error.reason)")
            }
            result.pictures += removed
        } catch {
            // Removal has priority: if the rest cannot be kept, the whole file is deleted.
            result.skips.note(error)
            unlinkPictures(file, reader.entries.count, &result)
        }
    }

    private func unlinkPictures(_ file: HistoryFolder.Segment, _ count: Int, _ result: inout Result) {
        if file.remove() {
            result.pictures += count
        } else {
            result.skips.note(HistoryProblem(.unwritable, file.path, "it cannot be removed"))
        }
    }
}
