import BrokerModel
import Testing
import headwater

@Suite struct UTCTextTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_237_129_123, "2026-11-21T04:58:49.123Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)]
    )
    func `a timestamp is a date and a time of day`(milliseconds: Int64, text: String) {
        #expect(utcText(Timestamp(milliseconds: milliseconds)) == text)
    }

    @Test func `no timestamp is too early or too late`() {
        _ = utcText(Timestamp(milliseconds: .min))
        _ = utcText(Timestamp(milliseconds: .max))
    }
}

@Suite struct PathTests {
    @Test(arguments: [
        ("/", "/"), ("/a/b/", "/a/b"), ("//a//b", "/a/b"), ("/a/./b/../c", "/a/c"),
        ("/../../a", "/a"),
    ])
    func `a path from the root has no detour`(path: String, plain: String) {
        #expect(absolutePath(path) == plain)
    }

    @Test func `the folders above a path come from the root down`() {
        #expect(foldersAbove("/a/b/c") == ["/a", "/a/b"])
        #expect(foldersAbove("/a") == [])
        #expect(foldersAbove("/") == [])
    }
}
