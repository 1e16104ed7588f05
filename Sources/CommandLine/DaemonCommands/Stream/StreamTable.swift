import CommandSupport
import Daemon
import Foundation

extension [StreamStatus] {
    /// Prints the streams as a table; a line below a stream that does not play says why.
    func table() {
        Terminal.table(
            ["NAME", "STATE", "FPS", "SAMPLED", "SHED", "DROPPED", "LAG", "URI"],
            map {
                [
                    $0.name, $0.state, String(format: "%.3g", $0.effectiveFps), "\($0.sampled)", "\($0.shed)",
                    "\($0.dropped)", String(format: "%.1f s", $0.lag), $0.uri,
                ]
            },
            notes: map { stream in
                let restarts = stream.restarts == 0 ? "" : " (opened again \(stream.restarts) times)"
                return stream.reason.map { $0 + restarts }
            })
    }
}
