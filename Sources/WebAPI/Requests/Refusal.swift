package import ControlAPI

/// The error answer to a request: an HTTP status, a code for programs and a message for people.
package struct Refusal: Error, Equatable {
    package let status: Int
    package let code: String
    package let message: String
    /// Additional headers of the answer, such as "Allow" or "Retry-After".
    package let headers: [String: String]

    package init(_ status: Int, _ code: String, _ message: String, headers: [String: String] = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
    }

    /// Converts the error of a control operation to an HTTP error.
    init(_ failure: ControlFailure) {
        self.init(Self.status(of: failure.code), failure.code, failure.description)
    }

    /// Returns the HTTP status for an error code; unknown codes get 422, for a valid request that cannot be done.
    static func status(of code: String) -> Int {
        if let known = FailureCode(rawValue: code) { return known.status }
        return switch code {
        case "busy": 503
        case "too-large": 413
        case "timeout": 504
        default: 422
        }
    }
}

extension FailureCode {
    package var status: Int {
        switch self {
        case .badRequest: 400
        case .badArgument, .refused: 422
        case .forbidden: 403
        case .notFound: 404
        case .otherJournal, .exists: 409
        case .unavailable: 503
        }
    }
}
