# A client's data.
variable "environment" { type = string }
variable "client" { type = string }

resource "aws_dynamodb_table" "orders" {
  name         = "shop-${var.environment}-${var.client}-orders"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_ssm_parameter" "table" {
  name  = "/shop/${var.environment}/databases/${var.client}/orders-table"
  type  = "String"
  value = aws_dynamodb_table.orders.name
}
