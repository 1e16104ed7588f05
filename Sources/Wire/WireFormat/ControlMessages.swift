/// A request on the control socket: `{"v":1,"id":"…","op":"query.add","args":{…}}`.
package struct ControlRequest: Codable, Sendable {
    package var v = 1
    package let id: String
    package let op: String
    package let args: JSONValue?

    package init(id: String, op: String, args: JSONValue?) {
        self.id = id
        self.op = op
        self.args = args
    }
}

/// A reply on the control socket: a result, or an error with its code and message.
package struct ControlReply: Codable, Sendable {
    package struct Failure: Codable, Sendable, Equatable, Error, CustomStringConvertible {
        package let code: String
        package let message: String
        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
        package var description: String { message }
    }

    package var v = 1
    package let id: String
    package let ok: Bool
    package let result: JSONValue?
    package let error: Failure?

    package init(id: String, result: JSONValue) {
        self.id = id
        ok = true
        self.result = result
        error = nil
    }

    package init(id: String, error: Failure) {
        self.id = id
        ok = false
        result = nil
        self.error = error
    }
}
