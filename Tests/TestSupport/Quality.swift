import Foundation

/// Whether whole measurements of quality are made, which take minutes: `make quality` sets `WATCHWORD_QUALITY`.
///
/// `make test` proves the same of less data.
package let measuresQuality = ProcessInfo.processInfo.environment["WATCHWORD_QUALITY"] != nil
