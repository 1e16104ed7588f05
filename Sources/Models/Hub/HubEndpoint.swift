package import Foundation

/// The address of a model hub (a server with Hugging Face's API), and the access token to send to it.
///
/// The token appears in no description, message or log.
package struct HubEndpoint: Sendable {
    package let url: URL
    private let token: String?

    /// Makes an endpoint from an http or https address; the default address is `https://huggingface.co`.
    ///
    /// An empty address or token counts as missing.
    package init(address: String?, token: String?) throws(HubError) {
        let address = address.flatMap { $0.isEmpty ? nil : $0 } ?? "https://huggingface.co"
        guard let url = URL(string: address), let scheme = url.scheme?.lowercased(), url.host()?.isEmpty == false,
            scheme == "https" || scheme == "http"
        else { throw HubError(.usage, "the endpoint \"\(address)\" is no http or https address; see HF_ENDPOINT") }
        let trimmed = token?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        guard trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw HubError(.usage, "HF_TOKEN holds what no token does")
        }
        self.url = url
        self.token = trimmed.isEmpty ? nil : trimmed
    }

    /// Makes an endpoint from the environment variables `HF_ENDPOINT` and `HF_TOKEN`.
    package static func standard(_ environment: [String: String]) throws(HubError) -> HubEndpoint {
        try HubEndpoint(address: environment["HF_ENDPOINT"], token: environment["HF_TOKEN"])
    }

    var hasToken: Bool { token != nil }

    /// Returns the value of the `Authorization` header; nil without a token, or for a URL of another origin.
    func authorization(for url: URL) -> String? {
        Self.origin(url) == Self.origin(self.url) ? token.map { "Bearer \($0)" } : nil
    }

    /// Returns the origin of a URL, `scheme://host:port`, with the default port if the URL has none.
    static func origin(_ url: URL) -> String {
        let scheme = url.scheme?.lowercased() ?? ""
        return "\(scheme)://\(url.host()?.lowercased() ?? ""):\(url.port ?? (scheme == "https" ? 443 : 80))"
    }

    /// Returns the URL of a model's list of files: `{endpoint}/api/models/{name}/revision/{revision}?blobs=true`.
    func listing(of model: ModelName, revision: Revision) throws(HubError) -> URL {
        try build("api/models/\(model.name)/revision/\(revision.escaped)?blobs=true")
    }

    /// Returns the URL of one file of a model: `{endpoint}/{name}/resolve/{revision}/{file}`.
    func file(_ file: String, of model: ModelName, revision: Revision) throws(HubError) -> URL {
        try build("\(model.name)/resolve/\(revision.escaped)/\(file)")
    }

    private func build(_ path: String) throws(HubError) -> URL {
        let base = url.absoluteString.hasSuffix("/") ? url.absoluteString : url.absoluteString + "/"
        guard let url = URL(string: base + path) else { throw HubError(.usage, "\"\(base)\(path)\" is no address") }
        return url
    }
}

/// The name of a model on a hub, `owner/name`; the initialiser rejects anything else.
package struct ModelName: Sendable, Equatable {
    package let name: String

    package init(_ name: String) throws(HubError) {
        let isName = name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/[A-Za-z0-9][A-Za-z0-9._-]{0,95}/) != nil
        guard isName, !name.contains("..") else {
            throw HubError(
                .usage,
                "\"\(name)\" is no owner/name, such as openai/clip-vit-base-patch32, and no short name: "
                    + KnownModel.all.map(\.name).joined(separator: ", "))
        }
        self.name = name
    }
}

/// The name of a branch, tag or commit of a model's repository; the initialiser rejects unsafe names.
package struct Revision: Sendable, Equatable {
    package let name: String
    var escaped: String { name.replacing("/", with: "%2F") }

    package init(_ name: String) throws(HubError) {
        guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._\/-]{0,199}/) != nil, !name.contains("..") else {
            throw HubError(.usage, "\"\(name)\" is no revision, such as main")
        }
        self.name = name
    }
}
