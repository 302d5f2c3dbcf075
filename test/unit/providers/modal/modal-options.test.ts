import { describe, expect, it } from "vitest";
import { parseModalOptions } from "../../../../src/providers/modal/modal-options.ts";

describe("the options of a target at Modal", () => {
  it("have defaults that ask for nothing", () => {
    expect(parseModalOptions({})).toEqual({
      app: "sandpiper",
      regions: [],
      dockerfile: [],
      secrets: [],
      exitSnapshot: false,
      memorySnapshot: false,
    });
  });

  it("are read with lists, switches and empty values", () => {
    const options = { environment: "dev", app: "", cloud: "aws", regions: "us-east, ,eu ", secrets: "a,b" };

    expect(parseModalOptions({ ...options, exitSnapshot: "true", memorySnapshot: "false" })).toMatchObject({
      environment: "dev",
      app: "sandpiper",
      cloud: "aws",
      regions: ["us-east", "eu"],
      secrets: ["a", "b"],
      exitSnapshot: true,
      memorySnapshot: false,
    });
  });

  it("take a Dockerfile's commands line by line, without comments, and continued lines as one", () => {
    const dockerfile = "# first\n\nRUN a && \\\r\n  b\r\nCOPY --from=uv /uv /bin/\n  ENV X=1  ";

    expect(parseModalOptions({ dockerfile }).dockerfile).toEqual([
      "RUN a &&    b",
      "COPY --from=uv /uv /bin/",
      "ENV X=1",
    ]);
  });

  it.each([
    ["environment", "../prod"],
    ["app", "a b"],
    ["cloud", "AWS;"],
    ["regions", "us-east,$(x)"],
    ["secrets", "a,b c"],
    ["exitSnapshot", "yes"],
    ["memorySnapshot", "1"],
    ["dockerfile", "FROM evil"],
    ["dockerfile", "COPY . /app"],
    ["dockerfile", "ADD https://example.com/x /x"],
    ["dockerfile", "&& rm"],
    ["dockerfile", "RUN x\n".repeat(101)],
  ])("refuse %s %j by its name", (name, value) => {
    expect(() => parseModalOptions({ [name]: value })).toThrow(
      expect.objectContaining({ code: "invalid", message: expect.stringContaining(`"${name}"`) as unknown }),
    );
  });
});
