import Foundation

/// Whether full measurements of quality run, which take minutes: `make quality` sets `WATCHWORD_QUALITY`.
///
/// `make test` checks the same on less data.
package let measuresQuality = ProcessInfo.processInfo.environment["WATCHWORD_QUALITY"] != nil
