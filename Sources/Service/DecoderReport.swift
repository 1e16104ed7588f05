import Concurrency
import Ingest
package import Logging

/// Logs problems of this machine's video decoders that give wrong colours.
package enum DecoderReport {
    /// Checks the video decoders and logs a warning for each kind of picture that one decodes with wrong colours.
    package static func log(to logger: Logger) async {
        for problem in await offPool({ DecoderCheck.problems() }) {
            logger.warning("a decoder gives wrong colours", metadata: ["problem": "\(problem)"])
        }
    }
}
