import Concurrency
import Ingest
package import Logging

/// Reports the decoders of this machine that give wrong colours.
package enum DecoderReport {
    /// Logs a warning for each kind of picture that is decoded wrongly; see `DecoderCheck`.
    package static func log(to logger: Logger) async {
        for problem in await offPool({ DecoderCheck.problems() }) {
            logger.warning("a decoder gives wrong colours", metadata: ["problem": "\(problem)"])
        }
    }
}
