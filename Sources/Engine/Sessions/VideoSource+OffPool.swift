import Concurrency
import Foundation
package import Ingest
package import StreamSources
import Synchronization

extension VideoSource {
    /// The longest wait for opening a source, since some devices and file systems never answer.
    private static let mostOpening = Duration.seconds(30)
    /// The longest wait for stopping a source; after that, the stop continues on its own thread.
    private static let mostStopping = Duration.seconds(10)

    /// Starts the source on a separate thread, since that may block, and returns the error if it failed.
    ///
    /// Waits 30 seconds at most.
    package func startOffPool() async -> SourceError? {
        let problem = Mutex<SourceError?>(nil)
        let hasStarted = await offPool(atMost: Self.mostOpening) {
            do throws(SourceError) { try self.start() } catch { problem.withLock { $0 = error } }
        }
        if hasStarted { return problem.withLock { $0 } }
        Thread { self.stop() }.start()
        return SourceError(
            "\(SourceURI.redacted(description.uri)): it could not be opened within 30 s; "
                + "check that the device, or the disk or network that it lies on, answers")
    }

    /// Stops the source on a separate thread; waits for 10 seconds at most.
    package func stopOffPool() async { _ = await offPool(atMost: Self.mostStopping) { self.stop() } }
}
