import Foundation
import Notify
import Testing

@Suite("Signatures of Standard Webhooks")
struct SigningTests {
    @Test("fixed vectors, which the specification's libraries agree on")
    func vectors() throws {
        let first = try #require(WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        #expect(
            first.signature(
                id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: Data(#"{"test": 2432232314}"#.utf8))
                == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        let second = try #require(WebhookSecret("C2FVsBQIhrscChlQIMV+b5sSYspob7oD"))
        #expect(
            second.signature(
                id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", timestamp: 1_649_367_553,
                body: Data(#"{"email":"test@example.com","username":"test_user"}"#.utf8))
                == "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=")
    }

    @Test(
        "what is no secret of 24 to 64 bytes is none", arguments: ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "x"])
    func refused(_ text: String) { #expect(WebhookSecret(text) == nil) }

    @Test("secrets of the least and the most bytes are taken, with padding or without")
    func sizes() {
        for count in [24, 25, 26, 64] {
            let coded = Data(repeating: 7, count: count).base64EncodedString()
            #expect(WebhookSecret("whsec_\(coded)") != nil)
            #expect(WebhookSecret(coded.replacing("=", with: "")) == WebhookSecret(coded))
        }
        for count in [0, 23, 65] {
            #expect(WebhookSecret(Data(repeating: 7, count: count).base64EncodedString()) == nil)
        }
    }
}
