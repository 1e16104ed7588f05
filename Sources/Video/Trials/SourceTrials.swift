package import Ingest
package import StreamSources
import Synchronization

/// The trials of sources that run at once: a few, since each opens a connection and decodes.
package final class SourceTrials: Sendable {
    /// The greatest number of sources that are open at once; one that does not stop keeps its place.
    package static let most = 2
    private let open = Mutex(0)

    package init() {}

    /// Tries a source; nil if too many are being tried.
    ///
    /// Throws if the source cannot be made.
    package func run(
        _ description: SourceDescription, templates: PipelineTemplates
    ) async throws(SourceError) -> SourceTrial.Outcome? {
        let hasPlace = open.withLock { open in
            guard open < Self.most else { return false }
            open += 1
            return true
        }
        guard hasPlace else { return nil }
        let trial: SourceTrial
        do throws(SourceError) { trial = try SourceTrial(description, templates: templates) } catch {
            leave()
            throw error
        }
        return await trial.run { [self] in leave() }
    }

    private func leave() { open.withLock { $0 -= 1 } }
}
